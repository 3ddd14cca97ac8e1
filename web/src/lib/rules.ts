// SPDX-License-Identifier: Apache-2.0
// All rules, asked for again and again; thousands of them less often.
import { useEffect, useState } from 'preact/hooks';
import { all, paths, type Rule } from '../api';
import { lifePaths } from '../api_lives';
import { useQuery } from './query';

const MANY = 500;

/** `resting`: drafts and the archive too. */
export function useRules(every: number, resting = false) {
  const [many, setMany] = useState(false);
  const rules = useQuery(resting ? 'rules/all' : 'rules', (s) => all<Rule>(resting ? lifePaths.resting : paths.rules, s), many ? every * 6 : every);
  useEffect(() => setMany((rules.data?.length ?? 0) > MANY), [rules.data]);
  return rules;
}
