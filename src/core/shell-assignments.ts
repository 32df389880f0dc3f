// Reads files of shell assignments, such as os-release(5): one on each line, values quoted or not.

/** Values by the names of the variables. */
export type Variables = Readonly<Record<string, string>>

/** Longer lines are not of this format. */
const MAX_LINE = 500

/** The assignments of a file; null has none. */
export function readAssignments(text: string | null): Variables {
  const lines = (text ?? '').split('\n').filter(line => line.length <= MAX_LINE)
  const assignments = lines.flatMap(line => {
    const [, name, value = ''] = /^([A-Z_][A-Z\d_]*)=(.*)$/.exec(line.trim()) ?? []
    return name === undefined ? [] : [[name, unquoted(value)] as const]
  })
  return Object.fromEntries(assignments)
}

function unquoted(value: string): string {
  const [, quote, inner = ''] = /^(['"])(.*)\1$/.exec(value) ?? []
  if (quote === "'") return inner
  return (quote === undefined ? value : inner).replace(/\\(.)/g, '$1')
}
