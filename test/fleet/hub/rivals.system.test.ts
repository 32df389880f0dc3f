// Several hubs that all schedule at once, as if the lease did not exist: no attempt of a job starts twice, and none is lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../support/until.ts'
import { skip } from '../engine.ts'
import { FleetRig } from './fleet-rig.ts'

const JOBS = Number(process.env.FLEET_JOBS ?? 60)
const COPIES = 1000
const ALWAYS = { held: true, start() {}, async stop() {} }

for (const hubs of [2, 3]) {
  test(`${hubs} hubs schedule ${JOBS} jobs at once`, { skip, timeout: 600_000 }, async () => {
    await using rig = await FleetRig.start(hubs, { lease: ALWAYS })
    await rig.addPrinters(25, { printTime: 5 })
    // Some refuse at first.
    rig.printers[0]?.set({ answer: 'refuse' })
    const file = await rig.upload()
    const jobs: string[] = []
    while (jobs.length < JOBS) {
      const copies = Math.min(COPIES, JOBS - jobs.length)
      const { result } = await rig.hub.call('/fleet/jobs', { file, name: 'part.gcode', copies })
      jobs.push(...result.jobs)
    }
    const done = () => rig.hubs.every(({ store }) => store.board.counts().done === JOBS)
    await until(done, 30 + JOBS / 20)
    const starts = rig.printers.flatMap(printer => printer.starts)
    assert.deepEqual(starts.length, new Set(starts).size)
    const printed = starts.map(start => start.split(' ')[0] as string)
    assert.deepEqual(printed.toSorted(), jobs.toSorted())
  })
}
