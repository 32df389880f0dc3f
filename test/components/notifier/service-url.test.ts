// URLs of services in Apprise's grammar.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseServiceUrl } from '../../../src/components/notifier/service-url.ts'

test('user, host, port, path and options', () => {
  const url = parseServiceUrl(
    'NTFYS://ann:p%40ss@host:8443/a/b%20c?Priority=5&+X-Key=1%2B1&-q=x&:title=subject',
  )
  assert.deepEqual(
    [url.scheme, url.user, url.password, url.host, url.port, url.path],
    ['ntfys', 'ann', 'p@ss', 'host', 8443, ['a', 'b c']],
  )
  assert.deepEqual([...url.options], [['priority', '5']])
  assert.deepEqual([...url.headers], [['X-Key', '1+1']])
  assert.deepEqual([...url.query], [['q', 'x']])
  assert.deepEqual([...url.fields], [['title', 'subject']])
})

test('a token with a colon is no port', () => {
  const { host, port } = parseServiceUrl('tgram://123456789:abc_DEF/@chat')
  assert.deepEqual([host, port], ['123456789:abc_DEF', null])
})

test('a text that is not the URL of a service is refused without repeating it', () => {
  for (const text of ['', 'topic', 'ntfy:topic', '://x', 'a b://secret']) {
    assert.throws(() => parseServiceUrl(text), { name: 'ServiceUrlError', message: /as in ntfy:\/\/topic/ })
  }
})

test('escapes that are not UTF-8 stay as they are', () => {
  assert.deepEqual(parseServiceUrl('json://h/%E0%A4%A').path, ['%E0%A4%A'])
})
