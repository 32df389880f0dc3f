// [power NAME] of type homeseer: the JSON interface of HomeSeer.
import { credentialsOf, type DriverContext, type PowerDriver } from '../driver.ts'
import { baseUrl, DeviceHttp, formValue, httpFailure, jsonOf, LOCAL_ATTEMPTS, textAt } from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'homeseer'>): Promise<PowerDriver> {
  const { options } = context
  const base = baseUrl(context, options)
  const auth = await credentialsOf(context)
  const http = new DeviceHttp(context, LOCAL_ATTEMPTS, 'kept')
  const request = (parameters: Readonly<Record<string, string>>) => {
    const query = { user: auth.username, pass: auth.password, ...parameters }
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${formValue(value)}`)
    return { url: `${base}/JSON?${pairs.join('&')}`, auth }
  }
  const ref = String(options.device)
  const status = request({ request: 'getstatus', ref })
  return {
    read: async deadline => textAt(jsonOf(await http.read(status, deadline)), 'Devices', 0, 'status'),
    async write(to, deadline) {
      const label = to === 'on' ? 'On' : 'Off'
      jsonOf(await http.send(request({ request: 'controldevicebylabel', ref, label }), deadline))
      return to
    },
  }
}
