// Memory that a start has used and that is not needed any more.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects all garbage once and gives the memory back to the system: V8 keeps what loading took for a load that a
 * server at rest never has. Takes some 10 ms.
 */
export function giveBackMemory(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as ((options: object) => void) | undefined
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
