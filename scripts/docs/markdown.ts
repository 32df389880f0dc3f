// Text in cells of Markdown tables.

/** `text` in a cell. */
export const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** `text` as code in a cell. */
export const code = (text: string) => `\`${cell(text)}\``
