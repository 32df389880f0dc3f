// Which options contain secrets: no warning and no log repeats their values.

const SECRET_NAME = /passw|secret|token|api_?key|credential/

/** Whether an option is a secret, by its name. */
export function namesSecret(option: string): boolean {
  return SECRET_NAME.test(option.toLowerCase())
}

/** A value that refers to the secrets file. */
const SECRET_REFERENCE = /^\{\s*secrets(\.\w+)+\s*\}$/
/** A value of an option such as `enable_api_key`. */
const SWITCH = /^(true|false|yes|no|on|off|)$/i

/** The value of an option as `server.config` shows it: `…` replaces a secret. */
export function valueForClients<T>(option: string, value: T): T | '…' {
  if (typeof value !== 'string' || !namesSecret(option)) return value
  const text = value.trim()
  return SECRET_REFERENCE.test(text) || SWITCH.test(text) ? value : '…'
}

/** User and password of a URL. */
const URL_CREDENTIALS = /(:\/\/)[^/?#\s]*@/g

/** A value for a message: on one line, of limited length, with `…` for secrets. */
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
