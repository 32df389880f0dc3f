// Reads a file whose path a person has configured: a pipe must not block the server, nor a device fill its memory.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/**
 * The content of a regular file of at most `maxBytes`. Throws the error of the file system, or an Error with the reason as
 * its message.
 */
export function readSmallFile(path: string, maxBytes: number): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const facts = fstatSync(file)
    if (!facts.isFile()) throw new Error('not a regular file')
    if (facts.size > maxBytes) throw new Error(`larger than ${maxBytes} bytes`)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}
