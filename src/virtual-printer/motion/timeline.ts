// The planned moves in print time: the position at a time, and the data of motion reports.

import type { Move } from '../../motion/move.ts'

/** Seconds of print time for which past moves are kept. */
const KEEP = 2

/** Planned moves in order of time; old moves are dropped. */
export class Timeline {
  #moves: Move[] = []
  #head = 0

  /** The move planned last. */
  get newest(): Move | undefined {
    return this.#moves.at(-1)
  }

  add(moves: readonly Move[]): void {
    for (const move of moves) this.#moves.push(move)
  }

  /** Drops moves that ended long before `time`. */
  prune(time: number): void {
    const moves = this.#moves
    while (this.#head < moves.length - 1 && moves[this.#head]!.endTime < time - KEEP) this.#head++
    if (this.#head > 512) {
      moves.splice(0, this.#head)
      this.#head = 0
    }
  }

  /** The move at a print time, the last one before it, or undefined before all moves. */
  at(time: number): Move | undefined {
    const moves = this.#moves
    let low = this.#head
    let high = moves.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (moves[middle]!.startTime <= time) low = middle + 1
      else high = middle
    }
    return low > this.#head ? moves[low - 1] : undefined
  }

  /** Moves that end after `from` and start before `to`. */
  between(from: number, to: number): Move[] {
    return this.#moves.slice(this.#head).filter(move => move.endTime > from && move.startTime <= to)
  }

  /** Drops all moves, as after a stop or when the position is set. */
  clear(): void {
    this.#moves = []
    this.#head = 0
  }
}
