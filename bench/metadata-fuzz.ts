// Searches for G-code files that take more time than their size allows. A file consists of a slicer's first line and of
// parts: a start, a text that is repeated, and an end, or an image that is built in the same way. Each file is made in two
// sizes. First comes every start with every text, then random files, and small changes of those that took most time.
// Usage: node bench/metadata-fuzz.ts [seconds] [seed]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeBinary } from '../src/components/metadata/binary/decode.ts'
import { processObjects } from '../src/components/metadata/objects/process.ts'
import { scanFile } from '../src/components/metadata/scan.ts'
import { writePictures } from '../src/components/metadata/write-pictures.ts'
import { contentOf, type Design, Designer } from './metadata-fuzz/designs.ts'

/** The sizes of a file in bytes. */
const SMALL = 8 * 1024
const LARGE = 64 * 1024
/** A file is reported if the large one needs so many milliseconds, and so many times what the small one needs. */
const SLOW = 40
const GROWTH = 20
/** Or if the large one needs so many milliseconds. */
const LIMIT = 500
/** Designs that are changed further, the slowest ones. */
const KEPT = 40

const [seconds = 60, seed = Date.now() % 1e9] = process.argv.slice(2, 4).map(Number)
const designer = new Designer(seed)
const folder = mkdtempSync(join(tmpdir(), 'metadata-fuzz-'))
const file = join(folder, 'a.gcode')
const output = `${file}.new`
const { signal } = new AbortController()

async function readAll(): Promise<void> {
  await writePictures(file, (await scanFile(file)).thumbnails)
  await processObjects(file, output, signal)
  rmSync(output, { force: true })
}

async function decode(): Promise<void> {
  await scanFile(file)
  await decodeBinary({ path: file, output, onProgress() {}, signal }).catch(() => {})
  rmSync(output, { force: true })
}

/** Milliseconds of CPU that `step` needs for a file. */
async function cost(bytes: Buffer, step: () => Promise<void>): Promise<number> {
  writeFileSync(file, bytes)
  const before = process.cpuUsage()
  await step()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

interface Measured {
  readonly design: Design
  readonly small: number
  readonly large: number
}

async function measure(design: Design): Promise<Measured> {
  const small = await cost(contentOf(design, SMALL), readAll)
  return { design, small, large: await cost(contentOf(design, LARGE), readAll) }
}

function isSuspicious({ small, large }: Measured): boolean {
  return large > LIMIT || (large > SLOW && large > GROWTH * Math.max(small, 1))
}

let slowest: Measured[] = []
const reported = new Set<string>()

function report(what: string, bytes: Buffer, details: string): void {
  if (reported.has(details)) return
  reported.add(details)
  const kept = join(tmpdir(), `metadata-fuzz-${seed}-${reported.size}.gcode`)
  writeFileSync(kept, bytes)
  console.log(`${what}: ${kept} ${details.slice(0, 300)}`)
}

/** Two of three are changes of slow ones. */
function furtherDesign(): Design {
  return designer.below(3) > 0 ? designer.change(designer.one(slowest).design) : designer.design()
}

/** Measures a design again if it is suspicious: the machine may have been slow for a moment. */
async function tryDesign(design: Design): Promise<void> {
  let measured = await measure(design)
  for (let again = 0; again < 2 && isSuspicious(measured); again++) measured = await measure(design)
  if (!isSuspicious(measured)) {
    slowest = [...slowest, measured].sort((a, b) => b.large - a.large).slice(0, KEPT)
    return
  }
  const times = `${measured.small.toFixed(1)} -> ${measured.large.toFixed(0)} ms`
  report(times, contentOf(design, LARGE), JSON.stringify(design))
}

async function tryBinary(): Promise<void> {
  const bytes = designer.binary(LARGE)
  const milliseconds = await cost(bytes, decode)
  if (milliseconds > LIMIT)
    report(`binary, ${milliseconds.toFixed(0)} ms`, bytes, bytes.toString('hex', 0, 40))
}

const systematic = designer.combinations()
let tried = 0
console.log(`seed ${seed}`)
try {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; tried++) {
    if (designer.below(50) === 0) {
      await tryBinary()
      continue
    }
    const next = systematic.next()
    const design = next.done === true ? furtherDesign() : next.value
    try {
      await tryDesign(design)
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      report(`failed: ${text}`, contentOf(design, LARGE), JSON.stringify(design))
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${tried} files; the slowest, in ms for ${SMALL} and ${LARGE} bytes:`)
for (const { design, small, large } of slowest.slice(0, 5))
  console.log(`${small.toFixed(1)} -> ${large.toFixed(1)}: ${JSON.stringify(design).slice(0, 300)}`)
if (reported.size > 0) process.exitCode = 1
