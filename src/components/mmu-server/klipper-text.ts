// Texts in commands for Klipper. It ends a command at a line break, and before version 0.13 also at `#`, `*` and `;`, even
// inside of quotes.

/** A message for MMU_LOG, between single quotes: line breaks as `\n`, other characters that Klipper cannot take replaced. */
export function messageText(text: string): string {
  return plain(text).replaceAll("'", '`').replaceAll('"', '`').replaceAll('\\', '/').replaceAll('\n', '\\n')
}

/** The lines of a message for M118. */
export function messageLines(text: string): string[] {
  return plain(text).split('\n')
}

function plain(text: string): string {
  return text
    .replaceAll('#', 'No.')
    .replaceAll('*', 'x')
    .replaceAll(';', ',')
    .replace(/[^\P{Cc}\n]/gu, ' ')
}

/** The six or eight hexadecimal digits of a colour; '' for anything else: Happy Hare would shut Klipper down. */
export function colorText(text: string): string {
  return /^#*([0-9a-f]{6}(?:[0-9a-f]{2})?)/i.exec(text.trim())?.[1] ?? ''
}

/** A value of a gate map: a number, or a text of Spoolman. */
export type MapValue = number | string

/** A Python literal of gates and their values, without characters that Klipper cannot take. */
export function gateMapText(gates: ReadonlyMap<number, Readonly<Record<string, MapValue>>>): string {
  const entries = [...gates].map(([gate, values]) => {
    const fields = Object.entries(values).map(([name, value]) => `'${name}': ${literal(value)}`)
    return `${gate}: {${fields.join(', ')}}`
  })
  return `{${entries.join(', ')}}`
}

/**
 * Escapes are those of Python: Klipper reads the text with its quotes, Python the escapes. Happy Hare stores the values
 * by SAVE_VARIABLE, where `%` shuts Klipper down. A full-width percent sign replaces it, which Happy Hare regards as equal
 * when it compares names.
 */
function literal(value: MapValue): string {
  if (typeof value === 'number') return String(value)
  const escaped = value.replaceAll('%', '\uff05').replace(/["'\\#*;\p{Cc}]/gu, character => {
    const code = character.charCodeAt(0).toString(16)
    return `\\x${code.padStart(2, '0')}`
  })
  return `'${escaped}'`
}
