// File operations whose result survives a power loss.
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeDurableSync } from '../core/make-durable.ts'

export { makeDurableSync as syncPath }

/** Copies a file and makes the copy durable; removes the copy if that fails. */
export function copyDurably(from: string, to: string): void {
  try {
    copyFileSync(from, to)
    makeDurableSync(to)
    makeDurableSync(dirname(to))
  } catch (error) {
    rmSync(to, { force: true })
    throw error
  }
}

/** Renames a durable file; the target may exist. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to)
  makeDurableSync(dirname(to))
}

/** `path` with `ending`; with a number between them if that file exists. */
export function freeName(path: string, ending = ''): string {
  let name = path + ending
  for (let count = 2; existsSync(name); count += 1) name = `${path}-${count}${ending}`
  return name
}
