// Lists the cameras of the machine in the given folder, queries its bus can0, and prints both.
import { findCanInterface, queryCanBus } from '../../../../src/components/machine/peripherals/can-query.ts'
import { VideoDevices } from '../../../../src/components/machine/peripherals/video-devices.ts'
import { loadSystemCalls } from '../../../../src/components/machine/system-calls.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { SystemFiles } from '../../../../src/core/system-files.ts'

const calls = await loadSystemCalls()
if ('missing' in calls) throw new Error(calls.missing)
const files = new SystemFiles(process.argv[2] as string)
// The simulated bus answers at once.
const clock = {
  ...systemClock,
  after: (seconds: number, task: () => void) => systemClock.after(seconds / 10, task),
}
const index = await findCanInterface(files, 'can0')
const nodes = await queryCanBus(index, calls, clock, new AbortController().signal)
const cameras = await new VideoDevices(files, clock).list(async () => calls)
process.stdout.write(JSON.stringify({ nodes, cameras }))
