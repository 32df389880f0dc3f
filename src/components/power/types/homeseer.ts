// [power NAME] of type homeseer: the JSON interface of HomeSeer.
import { credentialsOf, type DriverContext, type PowerDriver } from '../driver.ts'
import { baseUrl, DeviceHttp, formValue, httpFailure, LOCAL_ATTEMPTS, textAt } from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'homeseer'>): Promise<PowerDriver> {
  const { core, options } = context
  const base = baseUrl(context, options)
  const auth = await credentialsOf(context)
  const http = new DeviceHttp(core, LOCAL_ATTEMPTS, 'kept')
  const request = (parameters: Readonly<Record<string, string>>, signal: AbortSignal) => {
    const query = { user: auth.username, pass: auth.password, ...parameters }
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${formValue(value)}`)
    return http.json({ url: `${base}/JSON?${pairs.join('&')}`, auth }, signal)
  }
  const ref = String(options.device)
  return {
    read: async signal =>
      textAt(await request({ request: 'getstatus', ref }, signal), 'Devices', 0, 'status'),
    async write(to, signal) {
      const label = to === 'on' ? 'On' : 'Off'
      await request({ request: 'controldevicebylabel', ref, label }, signal)
      return to
    },
  }
}
