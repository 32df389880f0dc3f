// The host of a URL, in the form that `node:net` takes.

/** The name or the address, an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}
