// The time of everything in an artefact: two builds of a commit are equal.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Seconds since 1970: SOURCE_DATE_EPOCH, or the time of the commit. Throws Error without both. */
export function sourceDate(): number {
  const given = process.env.SOURCE_DATE_EPOCH
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const text = given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd, encoding: 'utf8' })
  return Number(text)
}
