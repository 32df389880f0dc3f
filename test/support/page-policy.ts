// Checks the headers of the pages of the server itself.
import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'

/** Only the files of the page itself may run, and no other page may frame it. */
export function assertOwnFilesOnly(headers: IncomingHttpHeaders): void {
  const policy = String(headers['content-security-policy']).split('; ')
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
  ]) {
    assert.ok(policy.includes(rule), rule)
  }
  assert.doesNotMatch(policy.join(), /unsafe|\*/)
  assert.equal(headers['x-content-type-options'], 'nosniff')
}
