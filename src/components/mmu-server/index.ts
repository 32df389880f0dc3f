// [mmu_server]: what Happy Hare, the software of multi-material units, needs of the server: prepared G-code files, the
// spools of its gates, and what slicers read about the gates.
import { hostname } from 'node:os'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import type { Scope } from '../../core/scope.ts'
import { bool, type InferShape, int, list, readShape, type Shape, string, tuple } from '../../schema/index.ts'
import { fileProcessorsService } from '../metadata/service.ts'
import { type SpoolmanService, spoolmanService } from '../spoolman/service.ts'
import { GateMaps } from './gate-maps.ts'
import { pushLanes, removeLanes } from './lane-data.ts'
import { Mmu } from './mmu.ts'
import { Spools } from './spools.ts'

/** More gates than any unit has. */
const MAX_GATES = 1000
/** Calls that wait for the one that runs: each changes what the next one reads. */
const MAX_QUEUED = 100

const silent = bool().default(false)
const sync = bool().default(false)
const spoolId = int().nullable().default(null)
const gate = int().nullable().default(null)
const gateIds = list(tuple(int({ min: -1, max: MAX_GATES }), int({ min: -1 })))

/** Calls of Klipper's part by their names. */
type Methods = Readonly<Record<string, (args: unknown) => Promise<void>>>

/** A method with the arguments that Klipper's part sends. */
function method<S extends Shape>(shape: S, run: (args: InferShape<S>) => Promise<void>) {
  return (args: unknown) => run(readShape(shape, args))
}

function laneMethods({ storage }: Core, mmu: Mmu, spools: Spools | null): Methods {
  const { namespaces } = storage
  return {
    moonraker_push_lane_data: method({ gate_ids: gateIds }, async ({ gate_ids }) => {
      // Without Spoolman, the slicer gets what Happy Hare knows.
      const known = spools === null ? new Map() : await spools.all().catch(() => new Map())
      await pushLanes(namespaces, gate_ids, await mmu.state(), known)
    }),
    moonraker_cleanup_lane_data: method({ num_gates: int({ min: 0 }) }, ({ num_gates }) =>
      removeLanes(namespaces, num_gates),
    ),
  }
}

function spoolMethods(maps: GateMaps, spoolman: SpoolmanService): Methods {
  return {
    spoolman_refresh: method({ fix: bool().default(false), silent }, args => maps.refresh(args)),
    spoolman_get_filaments: method({ gate_ids: gateIds, silent }, args =>
      maps.filaments(args.gate_ids, args),
    ),
    spoolman_push_gate_map: method({ gate_ids: gateIds, silent }, args => maps.push(args.gate_ids, args)),
    spoolman_pull_gate_map: method({ silent }, args => maps.pull(args)),
    spoolman_clear_spools_for_printer: method(
      { printer: string().nullable().default(null), sync, silent },
      args => maps.clear(args.printer, args),
    ),
    spoolman_set_spool_gate: method({ spool_id: int({ min: 1 }), gate, sync, silent }, args =>
      maps.set(args.spool_id, args.gate, args),
    ),
    spoolman_unset_spool_gate: method({ spool_id: spoolId, gate, sync, silent }, args =>
      maps.unset(args.spool_id, args.gate, args),
    ),
    spoolman_get_spool_info: method({ spool_id: spoolId }, ({ spool_id }) =>
      // 0 is the active spool.
      maps.info(spool_id || spoolman.activeSpool, !spool_id),
    ),
    spoolman_display_spool_location: method({ printer: string().nullable().default(null) }, ({ printer }) =>
      maps.location(printer),
    ),
  }
}

function serve({ printer: { session } }: Core, scope: Scope, methods: Methods): void {
  const limit = new ConcurrencyLimit({ what: 'calls of the MMU', maxRunning: 1, maxQueued: MAX_QUEUED })
  for (const [name, run] of Object.entries(methods)) {
    session.addRemoteMethod(name, args => limit.run(() => run(args)))
    scope.defer(() => session.removeRemoteMethod(name))
  }
}

export default component({
  section: 'mmu_server',
  presence: 'configured',
  options: {
    enable_file_preprocessor: bool()
      .describe('Replace placeholders of Happy Hare in uploaded files')
      .default(true),
    enable_toolchange_next_pos: bool()
      .describe('Add the next position to tool changes in these files')
      .default(true),
    update_spoolman_location: bool()
      .describe("Also set Spoolman's location of a spool to its printer and gate")
      .default(true),
    num_gates: int({ min: 1, max: MAX_GATES })
      .describe('Gates of a printer without Happy Hare in Klipper')
      .default(1),
  },
  needs: { processors: fileProcessorsService, spoolman: optional(spoolmanService) },
  create({ core, scope, section: { options }, needs: { processors, spoolman } }) {
    if (options.enable_file_preprocessor) {
      const processor = {
        name: 'mmu_server',
        priority: 0,
        stage: 'rewrite',
        module: 'components/mmu-server/placeholders.processor',
        options: { nextPosition: options.enable_toolchange_next_pos },
        timeLimit: { seconds: 20, secondsPerMiB: 1 },
      } as const
      scope.use(processors.register(processor))
    }
    return {
      start() {
        const mmu = new Mmu(core, options.num_gates)
        const present = spoolman()
        if (present === null) {
          core.log.info('without [spoolman], the MMU has no spools')
          serve(core, scope, laneMethods(core, mmu, null))
          return
        }
        const spools = new Spools(present, options.update_spoolman_location)
        const maps = new GateMaps(spools, mmu, hostname())
        serve(core, scope, { ...laneMethods(core, mmu, spools), ...spoolMethods(maps, present) })
      },
    }
  },
})
