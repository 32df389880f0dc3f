// Conditions in lists of system packages: `distro_id == 'debian' and distro_version >= '12'`.
import type { Distribution } from './distribution.ts'

const COMPARISON = /^\s*(distro_id|distro_version|vendor)\s*(==|!=|<=|>=|<|>)\s*(['"])([^'"]*)\3\s*/
const OPERATOR = /^(and|or)\s+/

/** Whether a condition holds; one that cannot be read does not. Without a condition, true. */
export function fits(condition: string | undefined, distribution: Distribution): boolean {
  let rest = condition?.trim() ?? ''
  if (rest === '') return true
  let holds = true
  let operator = 'and'
  for (;;) {
    const [all, field, comparator = '', , value = ''] = COMPARISON.exec(rest) ?? []
    if (all === undefined) return false
    const present =
      field === 'distro_id'
        ? distribution.id
        : field === 'vendor'
          ? distribution.vendor
          : distribution.version
    const found = compare(present, comparator, value)
    // From left to right, without precedence.
    holds = operator === 'and' ? holds && found : holds || found
    rest = rest.slice(all.length)
    if (rest === '') return holds
    const next = OPERATOR.exec(rest)
    if (next === null) return false
    operator = next[1] as string
    rest = rest.slice(next[0].length)
  }
}

function compare(a: string, comparator: string, b: string): boolean {
  const order = a.localeCompare(b, 'en', { numeric: true })
  switch (comparator) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    default:
      return order >= 0
  }
}
