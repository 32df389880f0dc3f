// [power NAME] of type homeassistant: an entity of Home Assistant, through its REST interface.
import { sleep } from '../../../core/clock.ts'
import type { Deadline } from '../deadline.ts'
import { type DriverContext, type PowerDriver, renderedOnce } from '../driver.ts'
import { baseUrl, DeviceHttp, httpFailure, jsonOf, QUICK_ATTEMPTS, valueAt } from './device-http.ts'

/** The time for the requests, in addition to the configured delay. */
const TIMEOUT = 10

export const failure = httpFailure

export async function open(context: DriverContext<'homeassistant'>): Promise<PowerDriver> {
  const { core, options } = context
  const { device, domain, status_delay: delay } = options
  const base = baseUrl(context, options)
  const token = await renderedOnce(context, 'token', options.token)
  const http = new DeviceHttp(context, QUICK_ATTEMPTS, 'kept')
  const headers = { Authorization: `Bearer ${token}` }
  const read = async (deadline: Deadline): Promise<string> => {
    const reply = await http.read(
      { url: `${base}/api/states/${encodeURIComponent(device)}`, headers },
      deadline,
    )
    const state = valueAt(jsonOf(reply), 'state')
    if (typeof state === 'string') return state
    throw new Error('the reply of Home Assistant does not contain the state of the entity')
  }
  return {
    timeoutSeconds: TIMEOUT + delay,
    read,
    async write(to, deadline) {
      const url = `${base}/api/services/${encodeURIComponent(domain)}/turn_${to}`
      await http.send({ url, method: 'POST', headers, body: { entity_id: device } }, deadline)
      // The entity changes when its device has confirmed the command.
      await sleep(core.clock, delay, deadline.signal)
      return read(deadline)
    },
  }
}
