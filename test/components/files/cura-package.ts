// Writes Cura's packages (.ufp) for tests.
import { ZipFile } from 'yazl'

export const MODEL = '/3D/model.gcode'
export const THUMBNAIL = '/Metadata/thumbnail.png'
/** One pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** A zip file of these entries. Their names may start with a slash, as Cura's do. */
export async function zipOf(entries: Record<string, string | Buffer>, options = {}): Promise<Buffer> {
  const zip = new ZipFile()
  const names = Object.keys(entries)
  for (const name of names) zip.addBuffer(Buffer.from(entries[name] as string), placeholder(name), options)
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  for (const name of names) replaceAll(bytes, placeholder(name), name)
  return bytes
}

/** The library refuses to write such names: `replaceAll` writes them afterwards, with the same length. */
const placeholder = (name: string) => name.replace(/^\//, '_').replace(/\.\.\//g, '___')

function replaceAll(bytes: Buffer, from: string, to: string): void {
  for (let at = bytes.indexOf(from); at !== -1; at = bytes.indexOf(from, at + 1)) bytes.write(to, at)
}
