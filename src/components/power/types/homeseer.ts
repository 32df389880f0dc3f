// [power NAME] of type homeseer: the JSON interface of HomeSeer.
import { type DriverContext, type PowerDriver, renderedOnce } from '../driver.ts'
import { baseUrl, DeviceHttp, formValue, httpFailure, LOCAL_ATTEMPTS, textAt } from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'homeseer'>): Promise<PowerDriver> {
  const { core, options } = context
  const base = baseUrl(context, options)
  const username = await renderedOnce(context, 'user', options.user)
  const password = await renderedOnce(context, 'password', options.password)
  const http = new DeviceHttp(core, LOCAL_ATTEMPTS)
  const request = (parameters: Readonly<Record<string, string>>, signal: AbortSignal) => {
    const query = { user: username, pass: password, ...parameters }
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${formValue(value)}`)
    return http.json({ url: `${base}/JSON?${pairs.join('&')}`, auth: { username, password } }, signal)
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
