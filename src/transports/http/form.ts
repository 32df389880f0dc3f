// The text fields of a multipart form that is the body of an API call. Files in it are ignored.
import { Busboy } from '@fastify/busboy'
import { ApiError } from '../../core/errors.ts'

/** Fields of a form, and bytes in each. */
const LIMITS = { fields: 100, fieldSize: 1024 * 1024, files: 0 }

/**
 * Reads a form; `contentType` is the header of that name, with its boundary. Rejects with ApiError: 400 for a damaged
 * form, 413 for one with too many fields or a field that is too long.
 */
export function readForm(body: Buffer, contentType: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const fields: Record<string, unknown> = Object.create(null)
    const damaged = (error: Error) => reject(new ApiError(400, `The form is damaged: ${error.message}`))
    const tooLarge = (what: string) => reject(new ApiError(413, `The form is too large: ${what}`))
    try {
      const form = new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS })
      form.on('field', (name, value, _nameCut, valueCut) => {
        fields[name] = value
        if (valueCut) tooLarge(`the field '${name}' is longer than ${LIMITS.fieldSize} bytes`)
      })
      form.on('fieldsLimit', () => tooLarge(`it has more than ${LIMITS.fields} fields`))
      form.on('finish', () => resolve({ ...fields }))
      form.on('error', error => damaged(error as Error))
      form.end(body)
    } catch (error) {
      damaged(error as Error)
    }
  })
}
