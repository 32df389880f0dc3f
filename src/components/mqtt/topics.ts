// Topics and topic filters: what is valid, and what matches.
import { ApiError } from '../../core/errors.ts'

/** The longest topic that MQTT can carry, in bytes. */
const MAX_BYTES = 65_535

/** What is wrong with a topic to publish; null if it is valid. */
export function topicProblem(topic: string): string | null {
  if (/[+#]/.test(topic)) return 'Wildcards may not be used'
  return lengthProblem(topic)
}

function lengthProblem(topic: string): string | null {
  if (topic === '') return 'A topic may not be empty'
  if (topic.includes('\0')) return 'A topic may not contain the character NUL'
  return Buffer.byteLength(topic) > MAX_BYTES ? `A topic has at most ${MAX_BYTES} bytes` : null
}

/** Throws ApiError 400 for a topic that cannot be published. */
export function checkTopic(topic: string): void {
  const problem = topicProblem(topic)
  if (problem !== null) throw new ApiError(400, problem)
}

/** Throws ApiError 400 for a filter that cannot be subscribed. */
export function checkFilter(filter: string): void {
  const problem = lengthProblem(filter) ?? wildcardProblem(filter)
  if (problem !== null) throw new ApiError(400, `${problem}: ${filter.slice(0, 100)}`)
}

function wildcardProblem(filter: string): string | null {
  const levels = filter.split('/')
  const isValid = levels.every(
    (level, index) => level === '+' || (level === '#' ? index === levels.length - 1 : !/[+#]/.test(level)),
  )
  return isValid ? null : 'A wildcard must be a whole level of the topic, # the last one'
}

/** Whether `filter` contains wildcards. */
export function hasWildcards(filter: string): boolean {
  return /[+#]/.test(filter)
}

/** Whether a topic matches a filter. Wildcards at the start do not match topics that start with `$` (MQTT 5, 4.7.2). */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  if (topic.startsWith('$') && hasWildcards(wanted[0] ?? '')) return false
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false
  }
  return wanted.length === levels.length
}

/** `name` as one level of a topic: without the characters that no topic may contain. */
export function asLevel(name: string): string {
  return name.replace(/[+#\0]/g, '_')
}
