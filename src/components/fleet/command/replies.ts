// The replies to commands that did something: a command that arrives again gets the same reply, and does nothing.
import type { Clock } from '../../../core/clock.ts'
import type { Reply } from '../../../fleet/contract/index.ts'
import type { Sqlite, Storage, TableDefinition } from '../../../storage/index.ts'

/** Seconds that a reply is kept. */
const KEPT = 24 * 3600

const TABLE: TableDefinition = {
  name: 'fleet_replies',
  version: 1,
  columns: [
    ['id', 'TEXT', 'PRIMARY KEY NOT NULL'],
    ['time', 'REAL', 'NOT NULL'],
    ['reply', 'TEXT'],
  ],
  indexes: ['CREATE INDEX IF NOT EXISTS fleet_replies_time ON fleet_replies (time)'],
}

/** What is known of a command: that it was started, and its reply once it has ended. */
export interface KnownCommand {
  readonly reply: Reply | null
}

export class Replies {
  readonly #db: Sqlite
  readonly #clock: Clock

  constructor(storage: Storage, clock: Clock) {
    this.#db = storage.db
    this.#clock = clock
    storage.table(TABLE)
  }

  find(id: string): KnownCommand | undefined {
    const row = this.#db.get(`SELECT reply FROM ${TABLE.name} WHERE id = ?`, id)
    return row && { reply: row.reply === null ? null : JSON.parse(String(row.reply)) }
  }

  /** A command starts: resolves when that is durable. Removes what is too old. */
  async start(id: string): Promise<void> {
    const now = this.#clock.now()
    await this.#db.write(db => {
      db.run(`DELETE FROM ${TABLE.name} WHERE time < ? OR time > ?`, now - KEPT, now + KEPT)
      db.run(`INSERT OR REPLACE INTO ${TABLE.name} (id, time) VALUES (?, ?)`, id, now)
    })
  }

  /** A command has ended. */
  async end(reply: Reply): Promise<void> {
    const text = JSON.stringify(reply)
    await this.#db.write(db => db.run(`UPDATE ${TABLE.name} SET reply = ? WHERE id = ?`, text, reply.id))
  }
}
