// SPDX-License-Identifier: Apache-2.0
// All rules, asked for again and again; thousands of them less often.
import { useEffect, useState } from 'preact/hooks';
import { all, paths, type Rule } from '../api';
import { useQuery } from './query';

const MANY = 500;

export function useRules(every: number) {
  const [many, setMany] = useState(false);
  const rules = useQuery('rules', (s) => all<Rule>(paths.rules, s), many ? every * 6 : every);
  useEffect(() => setMany((rules.data?.length ?? 0) > MANY), [rules.data]);
  return rules;
}
