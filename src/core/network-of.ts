// The network of a client: what counts as one client where something is limited by address.
import { ipVersion } from './ip-version.ts'

/** The address itself, but of IPv6 the network (/64): a client with one address there has all of them. */
export function networkOf(address: string): string {
  if (ipVersion(address) !== 6) return address
  const [head = '', tail = ''] = (address.split('%')[0] as string).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const missing = Math.max(0, 8 - groups(head).length - groups(tail).length)
  const all = [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)]
  return all
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** The range that one owner on the internet usually has: a /24 of IPv4, a /48 of IPv6. */
export function siteOf(address: string): string {
  return ipVersion(address) === 6
    ? networkOf(address).split(':', 3).join(':')
    : address.split('.', 3).join('.')
}
