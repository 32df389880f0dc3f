// Object processing: rewrites a G-code file so that Klipper can leave out single objects while it prints.
import { randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { chmod, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'
import { slicerOf } from '../slicers/index.ts'
import { readText } from '../windows.ts'
import type { FoundObjects, ObjectSource } from './find-objects.ts'
import { findObjects, NotProcessable } from './find-objects.ts'
import type { Point } from './hull.ts'
import { ObjectNames } from './names.ts'
import { rewrite } from './rewrite.ts'

/** Objects are named in the first MiB; only a start full of images is longer. */
const HEAD = 4 * 1024 * 1024
const DEFINITIONS = ['EXCLUDE_OBJECT_DEFINE NAME=', 'DEFINE_OBJECT NAME=']

/** An object as the printer will know it. */
export interface PrintObject {
  name: string
  /** The mean of the ends of its extruding moves, in mm; absent when nothing is extruded. */
  center?: Point
  /** The convex hull of what is extruded, counterclockwise, at most 64 corners; absent when it has no area. */
  polygon?: readonly Point[]
}

/** What became of the file: rewritten, or left as it was and why (for the log). */
export type ProcessResult = { processed: true; objects: PrintObject[] } | { processed: false; reason: string }

/**
 * Writes EXCLUDE_OBJECT_DEFINE, _START and _END into a file that its slicer marked with comments or M486.
 * The new file replaces the old one at once, bytes that are no object mark stay as they are, CRLF too.
 * Files that have such commands, have no objects, or are binary are left alone.
 * Rejects with the system's error, or with the signal's reason, and leaves the file as it was then.
 */
export async function processObjects(
  path: string,
  options: { signal?: AbortSignal } = {},
): Promise<ProcessResult> {
  const target = await realpath(path)
  const file = await open(target, 'r')
  try {
    const head = await readText(file, 0, HEAD)
    const source = await sourceOf(head)
    if (typeof source === 'string') return { processed: false, reason: source }
    const before = await file.stat()
    const found = await findObjects(file, source, options.signal)
    if (found.objects.length === 0) return { processed: false, reason: 'no objects' }
    const objects = printObjects(found)
    const draft = join(dirname(target), `.${randomUUID()}.gcode.tmp`)
    try {
      await writeDraft(draft, before.mode, out => rewrite(file, out, found, objects, options.signal))
      const after = await open(target, 'r').then(now => now.stat().finally(() => now.close()))
      if (after.ino !== before.ino || after.size !== before.size || after.mtimeMs !== before.mtimeMs)
        return { processed: false, reason: 'the file changed meanwhile' }
      await rename(draft, target)
      await makeDurable(dirname(target))
    } finally {
      await rm(draft, { force: true })
    }
    return { processed: true, objects }
  } catch (error) {
    if (error instanceof NotProcessable) return { processed: false, reason: error.message }
    throw error
  } finally {
    await file.close()
  }
}

async function sourceOf(head: string): Promise<ObjectSource | string> {
  if (head.startsWith('GCDE')) return 'binary G-code'
  const has = (sign: string) => head.startsWith(sign) || head.includes(`\n${sign}`)
  if (DEFINITIONS.some(has)) return 'its objects are defined already'
  const { slicer, identity } = await slicerOf(head)
  const comments = slicer.objects
  if (has('M486')) return { by: 'm486', ...(comments && { comments }) }
  if (!comments) return `${identity.slicer} marks no objects`
  return has(comments.sign) ? { by: 'comments', comments } : 'no objects'
}

function printObjects({ objects }: FoundObjects): PrintObject[] {
  const names = new ObjectNames()
  return objects.map(({ name, hull }) => {
    const center = hull.mean()
    const polygon = hull.corners()
    return { name: names.take(name), ...(center && { center }), ...(polygon.length > 2 && { polygon }) }
  })
}

async function writeDraft(
  path: string,
  mode: number,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await write(file)
    await file.sync()
  } finally {
    await file.close()
  }
  await chmod(path, mode & 0o7777)
}
