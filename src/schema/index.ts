// The description of values: everything that the contract and the configuration declare is built of these.
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
