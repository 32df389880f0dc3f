// The name under which the server's own topics are.
import { Field, Invalid } from '../../schema/index.ts'
import { topicProblem } from './topics.ts'

/** One or more levels of a topic, without a slash at its ends. */
export const instanceName = new Field<string>({ type: 'string' }, (input, name) => {
  const text = String(input).trim()
  const problem = topicProblem(text) ?? (/^[/$]|\/$/.test(text) ? 'slash' : null)
  if (problem === null) return text
  throw new Invalid(name, 'a name without +, #, and without / or $ at the start or / at the end', input)
})
