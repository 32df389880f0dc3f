// The option `server` of [spoolman]: where Spoolman's API and its WebSocket are.
import { trimEndOf } from '../../core/trim-characters.ts'
import { Field, Invalid, string } from '../../schema/index.ts'

/** The URL of a Spoolman server without a slash at its end. The scheme is http if none is given. */
export function serverUrl(): Field<string> {
  const text = string()
  return new Field({ ...text.json, format: 'uri' }, (input, name) => {
    const given = text.read(input, name).trim()
    const url = URL.parse(/^[a-z]+:\/\//i.test(given) ? given : `http://${given}`)
    if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
      throw new Invalid(name, 'URL of a Spoolman server, such as http://192.168.0.10:7912', given)
    }
    return trimEndOf(url.href, '/')
  })
}
