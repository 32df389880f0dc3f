// Multipart forms as slicers write them, and as nobody should.

/** A part of a form: a text field, or with `filename` a file. */
export interface Part {
  readonly name: string
  readonly value: string | Buffer
  readonly filename?: string
  /** In place of the usual header. */
  readonly header?: string
}

export const BOUNDARY = 'limit'
export const TYPE = `multipart/form-data; boundary=${BOUNDARY}`

/** The body of a form. */
export function multipart(...parts: Part[]): Buffer {
  const chunks = parts.flatMap(({ name, value, filename, header }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`
    const usual = `Content-Disposition: form-data; name="${name}"${file}`
    return [
      Buffer.from(`--${BOUNDARY}\r\n${header ?? usual}\r\n\r\n`),
      Buffer.from(value),
      Buffer.from('\r\n'),
    ]
  })
  return Buffer.concat([...chunks, Buffer.from(`--${BOUNDARY}--\r\n`)])
}

/** A form with a file and text fields. */
export function fileForm(
  filename: string,
  value: string | Buffer,
  fields: Record<string, string> = {},
): Buffer {
  const texts = Object.entries(fields).map(([name, text]) => ({ name, value: text }))
  return multipart(...texts, { name: 'file', value, filename })
}
