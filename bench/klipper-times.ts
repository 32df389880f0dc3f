// Compares our print times with those of Klipper's own planner, for the machines of the tests.
// Usage: KLIPPER=FOLDER node bench/klipper-times.ts [FILE…]
// FOLDER is a checkout of Klipper, with the micro-controller's out/klipper.dict (`make` for a Linux process).
// KLIPPER_PYTHON is a Python that has Klipper's requirements; python3 by default. Without files the samples of the tests
// are compared, and the rows of KLIPPER_TIMES are printed. Ends with code 1 if a time differs by more than 1 %, and by
// more than 0.1 s: turning the motors off waits for the input shaper.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { examineText } from '../test/components/analysis/estimator/examine-text.ts'
import { MACHINES } from '../test/components/analysis/estimator/klipper-times.ts'
import { PRINT_SAMPLES } from '../test/components/analysis/estimator/print-samples.ts'
import { type KlipperPlace, klipperTime } from './klipper-batch.ts'

/** The largest difference, as a share of Klipper's time and in seconds. */
const TOLERANCE = 0.01
const TOLERANCE_SECONDS = 0.1

const { KLIPPER, KLIPPER_PYTHON = 'python3' } = process.env
if (KLIPPER === undefined) {
  console.error('usage: KLIPPER=FOLDER node bench/klipper-times.ts [FILE…]')
  process.exit(2)
}
const place: KlipperPlace = { folder: KLIPPER, python: KLIPPER_PYTHON }
const files = process.argv.slice(2)
const samples =
  files.length === 0
    ? PRINT_SAMPLES
    : files.map(path => ({ name: basename(path), gcode: readFileSync(path, 'latin1') }))

let worst = 0
let hasFailed = false

/** Klipper's seconds on each machine; null where it rejects the file. */
async function compare(name: string, gcode: string): Promise<(number | null)[]> {
  const row: (number | null)[] = []
  for (const { name: machineName, settings, machine } of MACHINES) {
    const { times } = await examineText(Buffer.from(gcode, 'latin1'), { machine })
    const ours = `${name} on ${machineName}: ${times.total.toFixed(3)} s`
    try {
      const seconds = await klipperTime(place, settings, gcode)
      const difference = times.total / seconds - 1
      worst = Math.max(worst, Math.abs(difference))
      hasFailed ||= Math.abs(times.total - seconds) > Math.max(TOLERANCE_SECONDS, TOLERANCE * seconds)
      console.log(`${ours}, Klipper ${seconds.toFixed(3)} s, ${(difference * 100).toFixed(2)} %`)
      row.push(seconds)
    } catch (error) {
      console.log(`${ours}, ${(error as Error).message}`)
      row.push(null)
    }
  }
  return row
}

const rows: string[] = []
for (const { name, gcode } of samples) {
  const seconds = await compare(name, gcode)
  rows.push(`  ['${name}', ${seconds.map(String).join(', ')}],`)
}
if (files.length === 0) console.log(rows.join('\n'))
console.log(`the largest difference: ${(worst * 100).toFixed(2)} %`)
if (hasFailed) process.exitCode = 1
