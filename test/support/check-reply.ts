// Compares every reply with what the contract declares, so that the published documents cannot lie.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Method } from '../../src/rpc/registry.ts'

const ajv = new Ajv2020({ strict: false })
const compiled = new WeakMap<object, ValidateFunction>()

/** Throws where `result`, as a client would read it, is not what the endpoint declares. */
export function checkReply({ name, endpoint }: Method, result: unknown): void {
  let validate = compiled.get(endpoint.result)
  if (validate === undefined) {
    validate = ajv.compile(endpoint.result.json)
    compiled.set(endpoint.result, validate)
  }
  const seen = result === undefined ? null : JSON.parse(JSON.stringify(result))
  if (!validate(seen)) throw new Error(`${name} answers not as declared: ${ajv.errorsText(validate.errors)}`)
}
