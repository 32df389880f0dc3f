// Which options hold what nobody else should read, so that no warning and no log repeats their values.

const SECRET_NAME = /passw|secret|token|api_?key|credential/

/** Whether an option's name says that its value is a secret. */
export function namesSecret(option: string): boolean {
  return SECRET_NAME.test(option.toLowerCase())
}

/** An option that names where its secret is. */
const SECRET_REFERENCE = /^\{\s*secrets(\.\w+)+\s*\}$/
/** What an option like `enable_api_key` may be. */
const SWITCH = /^(true|false|yes|no|on|off|)$/i

/** The value of an option as `server.config` shows it: dots in the place of a secret that is written out. */
export function valueForClients<T>(option: string, value: T): T | '…' {
  if (typeof value !== 'string' || !namesSecret(option)) return value
  const text = value.trim()
  return SECRET_REFERENCE.test(text) || SWITCH.test(text) ? value : '…'
}

/** User and password of a URL. */
const URL_CREDENTIALS = /(:\/\/)[^/?#\s]*@/g

/** A value for people to recognize: on one line, of bounded length, with dots for what is secret. */
export function shownValue(option: string, value: string, secret = false): string {
  if (secret || namesSecret(option)) return '…'
  const line = value
    .trim()
    .split('\n')
    .map(part => part.trim())
    .join(' ')
    .replace(URL_CREDENTIALS, '$1…@')
  return line.length > 80 ? `${line.slice(0, 80)}…` : line
}
