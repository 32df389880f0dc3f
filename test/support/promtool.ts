// Prometheus's own check of metrics.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { absent } from './program.ts'

const PROMTOOL = 'promtool'

/** Why the check cannot run here; false where it can. */
export const noPromtool = absent(PROMTOOL)

/** Fails for a document in the text format that promtool rejects; its advice about names counts for our own names only. */
export function checkMetrics(text: string): void {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  })
  // Status 3 means advice; the names of prometheus-klipper-exporter stay as they are.
  assert.ok(status === 0 || status === 3, `${stdout}${stderr}`)
  const ofOurs = stderr.split('\n').filter(line => /^(moonraker|process)_/.test(line))
  assert.deepEqual(ofOurs, [])
}
