// Schemas: the contract and the configuration declare their values with them.
export * from './fields.ts'
export * from './keyed.ts'
export {
  type Infer,
  type InferShape,
  type InputOf,
  Invalid,
  type JsonSchema,
  Missing,
  type Optional,
  readShape,
  type Schema,
  type Shape,
} from './schema.ts'
export { optionalFields, readOr, requiredFields } from './variants.ts'
