// The job "decode": makes plain G-code of binary G-code.
import { decodeBinary } from '../binary/decode.ts'
import type { JobHandler } from './jobs.ts'

/** Seconds between reports. */
const REPORT = 0.5

/** Decodes one file. */
export const decodeFile: JobHandler<'decode'> = ({ path, output }, report, signal) => {
  let reported = performance.now()
  const onProgress = (fraction: number) => {
    if (performance.now() - reported < REPORT * 1000) return
    reported = performance.now()
    report({ fraction })
  }
  return decodeBinary({ path, output, onProgress, signal })
}
