// The status of 60 objects that all change four times a second, to Mosquitto: the CPU time of a server of its own.
import { Mosquitto } from '../test/components/mqtt/mosquitto.ts'
import { FakeKlippy } from '../test/support/fake-klippy.ts'
import { sleep } from './load.ts'
import { cpuSeconds } from './process-facts.ts'
import { ownServer, startTarget } from './server-process.ts'

const OBJECTS = Array.from({ length: 60 }, (_, index) => `temperature_sensor s${index}`)
const SECONDS = 20
/** Seconds in which the server connects, and compiles what it runs often. */
const WARM_UP = 6

const all = `status_objects:\n  ${OBJECTS.join('\n  ')}`
const KINDS = {
  'no status': '',
  'one message': all,
  'one message for each field': `${all}\npublish_split_status: True`,
}

/** The share of a core that a server with these lines in [mqtt] takes. */
async function cpuOf(broker: Mosquitto, lines: string): Promise<number> {
  const target = await ownServer([
    `[mqtt]\naddress: 127.0.0.1\nport: ${broker.port}\ninstance_name: bench\n${lines}`,
  ])
  const klippy = new FakeKlippy(target.klippySocket ?? '')
  for (const name of OBJECTS) klippy.status[name] = { temperature: 20, power: 0 }
  await klippy.listen()
  const { pid, stop } = await startTarget(target)
  let pushes = 0
  const push = () => {
    pushes += 1
    const change = (index: number) => ({
      temperature: 20 + ((pushes * 7 + index) % 100) / 10,
      power: ((pushes + index) % 10) / 10,
    })
    klippy.pushAll(Object.fromEntries(OBJECTS.map((name, index) => [name, change(index)])))
  }
  await sleep(WARM_UP)
  const timer = setInterval(push, 250)
  try {
    await sleep(WARM_UP)
    const before = cpuSeconds(pid as number)
    await sleep(SECONDS)
    return (cpuSeconds(pid as number) - before) / SECONDS
  } finally {
    clearInterval(timer)
    await stop()
    await klippy.close()
    target.clean()
  }
}

await using broker = await Mosquitto.start(['allow_anonymous true'])
for (const [kind, lines] of Object.entries(KINDS)) {
  console.log(`${kind}: ${((await cpuOf(broker, lines)) * 100).toFixed(2)} % of a core`)
}
