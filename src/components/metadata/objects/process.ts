// Object processing: rewrites a G-code file so that Klipper can exclude single objects during the print.
import { open } from 'node:fs/promises'
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

/** An object as Klipper receives it. */
export interface PrintObject {
  name: string
  /** The mean of the ends of its extruding moves, in mm; absent if nothing is extruded. */
  center?: Point
  /** The convex hull of what is extruded, counterclockwise, at most 64 corners; absent if it has no area. */
  polygon?: readonly Point[]
}

/** The result: the file was rewritten, or not, with the reason for the log. */
export type ProcessResult = { processed: true; objects: PrintObject[] } | { processed: false; reason: string }

/**
 * Copies a file whose slicer marked its objects by comments or M486 to `output`, which must not exist, and adds
 * EXCLUDE_OBJECT_DEFINE, _START and _END. All other bytes stay as they are, CRLF too. Writes nothing for a file that has
 * such commands, has no objects, or is binary. Rejects with the system's error, or with the signal's reason.
 */
export async function processObjects(
  path: string,
  output: string,
  signal?: AbortSignal,
): Promise<ProcessResult> {
  const file = await open(path, 'r')
  try {
    const source = sourceOf(await readText(file, 0, HEAD))
    if (typeof source === 'string') return { processed: false, reason: source }
    const found = await findObjects(file, source, signal)
    if (found.objects.length === 0) return { processed: false, reason: 'no objects' }
    const objects = printObjects(found)
    const copy = await open(output, 'wx')
    await rewrite(file, copy, found, objects, signal).finally(() => copy.close())
    return { processed: true, objects }
  } catch (error) {
    if (error instanceof NotProcessable) return { processed: false, reason: error.message }
    throw error
  } finally {
    await file.close()
  }
}

function sourceOf(head: string): ObjectSource | string {
  if (head.startsWith('GCDE')) return 'binary G-code'
  const has = (sign: string) => head.startsWith(sign) || head.includes(`\n${sign}`)
  if (DEFINITIONS.some(has)) return 'its objects are defined already'
  const { slicer, identity } = slicerOf(head)
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
