// [power NAME] of type tasmota: the HTTP commands of the Tasmota firmware.
import type { HttpReply } from '../../../core/http-client.ts'
import { credentialsOf, type DriverContext, type PowerDriver } from '../driver.ts'
import {
  baseUrl,
  DeviceHttp,
  formValue,
  httpFailure,
  jsonOf,
  LOCAL_ATTEMPTS,
  valueAt,
} from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'tasmota'>): Promise<PowerDriver> {
  const { options } = context
  const { output_id: output, timer } = options
  const base = baseUrl(context, options)
  const { username: user, password } = await credentialsOf(context)
  const http = new DeviceHttp(context, LOCAL_ATTEMPTS)
  const request = (command: string) => {
    const query = { user, password, cmnd: command }
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${formValue(value)}`)
    return { url: `${base}/cm?${pairs.join('&')}` }
  }
  const status = request(`Power${output}`)
  const stateOf = (reply: HttpReply): string => {
    const power = jsonOf(reply)
    // A device with one output may leave its number out.
    const state = valueAt(power, `POWER${output}`) ?? (output === 1 ? valueAt(power, 'POWER') : undefined)
    if (typeof state === 'string') return state.toLowerCase()
    throw new Error(`the reply of the device does not contain POWER${output}; is the password right?`)
  }
  return {
    read: async deadline => stateOf(await http.read(status, deadline)),
    async write(to, deadline) {
      if (to === 'on' || timer === undefined) {
        return stateOf(await http.send(request(`Power${output} ${to}`), deadline))
      }
      // Delay counts in tenths of a second.
      await http.send(request(`Backlog Delay ${timer}0; Power${output} off`), deadline)
      return 'off'
    },
  }
}
