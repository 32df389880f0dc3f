// Prepares G-code files for Happy Hare, in the metadata worker: reads a file once for the facts, and a second time to
// rewrite it, in bounded memory.
import { type FileHandle, open } from 'node:fs/promises'
import { messageOf } from '../../core/errors.ts'
import type { FileProcessor, ProcessorInput, ProcessorResult } from '../../core/file-processor.ts'
import { isPlainObject } from '../../schema/index.ts'
import { readLines } from './line-reader.ts'
import { MARK, PlaceholderRewriter } from './placeholder-rewriter.ts'
import { PrintFacts } from './print-facts.ts'

/** Characters of the first line that matter. */
const FIRST_LINE = 1024
/** A result may be twice as large as the file, and so many bytes more. */
const EXTRA_BYTES = 16 * 1024 * 1024

const process: FileProcessor = async input => {
  const file = await open(input.path, 'r')
  try {
    return await rewrite(file, input)
  } catch (error) {
    input.signal.throwIfAborted()
    return { warnings: [`${input.shownPath} is not prepared for the MMU: ${messageOf(error)}`] }
  } finally {
    await file.close()
  }
}

async function rewrite(
  file: FileHandle,
  { output, options, signal }: ProcessorInput,
): Promise<ProcessorResult> {
  const first = await firstLine(file)
  if (first.toLowerCase().startsWith(MARK.toLowerCase())) return { listed: true }
  const facts = new PrintFacts()
  let isOpen = false
  await readLines(file, signal, part => {
    facts.read(part)
    isOpen = !part.endsWith('\n')
  })
  const insertsNextPosition = isPlainObject(options) && options.nextPosition === true
  const isNeeded = facts.hasPlaceholder || (insertsNextPosition && facts.tools.size > 0)
  if (!facts.isSupported || !isNeeded) return {}
  const { size } = await file.stat()
  const rewriter = new PlaceholderRewriter({
    values: facts.values(),
    insertsNextPosition,
    eol: first.endsWith('\r') ? '\r\n' : '\n',
    maxBytes: size * 2 + EXTRA_BYTES,
  })
  const copy = await open(output, 'wx')
  try {
    const write = (text: string) => copy.appendFile(text, 'latin1')
    await write(rewriter.start())
    await readLines(file, signal, part => write(rewriter.part(part)))
    await write(rewriter.end(facts.sortedTools().join(','), isOpen))
  } finally {
    await copy.close()
  }
  return {
    rewritten: true,
    listed: true,
    notes: [`${facts.tools.size} tools, ${facts.changes} tool changes`],
  }
}

async function firstLine(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_LINE), 0, FIRST_LINE, 0)
  const text = buffer.toString('latin1', 0, bytesRead)
  const end = text.indexOf('\n')
  return end === -1 ? text : text.slice(0, end)
}

export default process
