// Writes WebP files of screenshots with ffmpeg.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'

/** Seconds between two frames of an animation. */
const INTERVAL = 0.25
/** Seconds that the last frame of an animation stays. */
const LAST_FRAME = 2

async function ffmpeg(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args])
}

/** Throws if the file is larger than a page should load for it. */
function checkSize(file: string, limit: number): void {
  const { size } = statSync(file)
  console.log(`${file}: ${Math.round(size / 1000)} kB`)
  if (size > limit) throw new Error(`${file} has ${size} bytes; at most ${limit} are allowed`)
}

/** Takes a screenshot of the visible part of a page. */
export async function takePicture(page: Page, file: string): Promise<void> {
  await using folder = temporaryFolder()
  const path = join(folder.path, 'screen.png')
  await page.screenshot({ path })
  await ffmpeg('-i', path, '-c:v', 'libwebp', '-quality', '88', '-compression_level', '6', file)
  checkSize(file, 200_000)
}

/** Takes screenshots of a page while `actions` runs, and makes an animation of them that repeats. Resolves as `actions` does. */
export async function record<T>(page: Page, file: string, actions: () => Promise<T>): Promise<T> {
  await using folder = temporaryFolder()
  let ended = false
  const acting = actions().finally(() => {
    ended = true
  })
  // An error is thrown where the recording ends.
  acting.catch(() => undefined)
  const list = ['ffconcat version 1.0']
  for (let index = 0; !ended; index += 1) {
    const start = performance.now()
    const name = `${index}.png`
    await page.screenshot({ path: join(folder.path, name) })
    await setTimeout(Math.max(0, INTERVAL * 1000 - (performance.now() - start)))
    const seconds = ended ? LAST_FRAME : (performance.now() - start) / 1000
    list.push(`file ${name}`, `duration ${seconds.toFixed(3)}`)
  }
  const result = await acting
  // ffmpeg ignores the duration of the last entry.
  list.push(list.at(-2) ?? '')
  const frames = join(folder.path, 'frames.ffconcat')
  writeFileSync(frames, `${list.join('\n')}\n`)
  const encoder = ['-c:v', 'libwebp_anim', '-loop', '0', '-quality', '70', '-compression_level', '6']
  await ffmpeg('-i', frames, '-vsync', 'vfr', ...encoder, file)
  checkSize(file, 400_000)
  return result
}

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'pictures-'))
  return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }) }
}
