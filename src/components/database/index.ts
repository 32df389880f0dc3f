// [database]: the namespace store for clients, and operations on the whole file: compact, backup, restore.
import { database as chapter, databaseDebug } from '../../api/database.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { deprecated } from '../../config/index.ts'
import { ApiError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { bool } from '../../schema/index.ts'
import { dumpTable, tableNames } from '../../storage/index.ts'
import { deleteItem, getItem, postItem } from './items.ts'
import { NamespaceRules } from './namespace-rules.ts'

/** A print must not wait for the disk; a paused one does not. */
async function refuseWhilePrinting({ printer }: Core, what: 'compact' | 'backup'): Promise<void> {
  if (await printer.isPrinting()) throw new ApiError(400, `Cannot ${what} when Klipper is printing`)
}

/** A backup does not contain the job that is in progress, paused or not. */
async function refuseWhileBusy({ printer }: Core): Promise<void> {
  if (await printer.isBusy()) throw new ApiError(400, 'Cannot restore when Klipper is printing')
}

function serve(core: Core, scope: Scope, rules: NamespaceRules): void {
  const { namespaces, backups, db } = core.storage
  scope.use(
    core.registry.serve(chapter, {
      'server.database.list': () => ({
        namespaces: namespaces.list().filter(name => rules.isVisible(name)),
        backups: backups.list(),
      }),
      'server.database.get_item': position => {
        rules.checkRead(position.namespace)
        // A client may read what it has just sent, before it has the reply to that.
        return db.read(() => getItem(namespaces, position))
      },
      'server.database.post_item': (item, caller) => {
        rules.checkWrite(item.namespace, caller)
        return postItem(namespaces, item)
      },
      'server.database.delete_item': (position, caller) => {
        rules.checkWrite(position.namespace, caller)
        return deleteItem(namespaces, position)
      },
      'server.database.compact': async () => {
        await refuseWhilePrinting(core, 'compact')
        return db.compact()
      },
      'server.database.post_backup': async ({ filename }) => {
        await refuseWhilePrinting(core, 'backup')
        return { backup_path: await backups.create(filename) }
      },
      'server.database.delete_backup': async ({ filename }) => ({
        backup_path: await backups.delete(filename),
      }),
      'server.database.restore': async ({ filename }) => {
        await refuseWhileBusy(core)
        const content = await backups.restore(filename)
        core.events.emit('server:restart')
        return content
      },
    }),
  )
}

/** The debug versions without access rules, for developers. */
function serveDebug(core: Core, scope: Scope): void {
  const { namespaces, backups, db } = core.storage
  scope.use(
    core.registry.serve(databaseDebug, {
      'debug.database.list': () => ({
        namespaces: namespaces.list(),
        backups: backups.list(),
        tables: tableNames(db),
      }),
      'debug.database.get_item': position => getItem(namespaces, position),
      'debug.database.post_item': item => postItem(namespaces, item),
      'debug.database.delete_item': position => deleteItem(namespaces, position),
      'debug.database.table': ({ table }) => ({ table_name: table, rows: dumpTable(db, table) }),
    }),
  )
}

/** Makes a backup each day, but not during a print. */
function backUpDaily(core: Core, scope: Scope): void {
  let printing = false
  const set = (value: boolean) => () => {
    printing = value
  }
  for (const start of ['job:started', 'job:found'] as const) scope.use(core.events.on(start, set(true)))
  for (const end of ['job:completed', 'job:cancelled', 'job:error', 'job:standby'] as const) {
    scope.use(core.events.on(end, set(false)))
  }
  const timer = core.storage.backups.startAutomatic({
    mayRun: () => !printing,
    onFailure: text => void core.warnings.add(text, 'automatic backup of the database'),
  })
  scope.defer(() => timer.stop())
}

export default component({
  section: 'database',
  presence: 'always',
  options: {
    enable_database_debug: deprecated(
      bool().describe('No effect').default(false),
      'start the server with -g instead',
    ),
  },
  create({ core, scope }): Component {
    serve(core, scope, new NamespaceRules(core.storage.namespaces))
    if (core.debug) serveDebug(core, scope)
    return {
      start: () => backUpDaily(core, scope),
    }
  },
})
