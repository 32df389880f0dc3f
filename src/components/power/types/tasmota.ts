// [power NAME] of type tasmota: the HTTP commands of the Tasmota firmware.
import { credentialsOf, type DriverContext, type PowerDriver } from '../driver.ts'
import { baseUrl, DeviceHttp, formValue, httpFailure, LOCAL_ATTEMPTS, valueAt } from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'tasmota'>): Promise<PowerDriver> {
  const { core, options } = context
  const { output_id: output, timer } = options
  const base = baseUrl(context, options)
  const { username: user, password } = await credentialsOf(context)
  const http = new DeviceHttp(core, LOCAL_ATTEMPTS)
  const command = (text: string, signal: AbortSignal) => {
    const query = { user, password, cmnd: text }
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${formValue(value)}`)
    return http.json({ url: `${base}/cm?${pairs.join('&')}` }, signal)
  }
  const stateOf = (reply: unknown): string => {
    // A device with one output may leave its number out.
    const state = valueAt(reply, `POWER${output}`) ?? (output === 1 ? valueAt(reply, 'POWER') : undefined)
    if (typeof state === 'string') return state.toLowerCase()
    throw new Error(`the reply of the device does not contain POWER${output}; is the password right?`)
  }
  return {
    read: async signal => stateOf(await command(`Power${output}`, signal)),
    async write(to, signal) {
      if (to === 'on' || timer === undefined) return stateOf(await command(`Power${output} ${to}`, signal))
      // Delay counts in tenths of a second.
      await command(`Backlog Delay ${timer}0; Power${output} off`, signal)
      return 'off'
    },
  }
}
