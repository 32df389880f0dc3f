// Loads the components that a configuration uses. The others need no memory.
import { type ComponentType, component, type LazyComponent } from '../component/component.ts'
import { requiredServices } from './component-order.ts'

/** A component that is there, or one that is loaded only if its section is configured. */
type Source = ComponentType | LazyComponent

/**
 * Loads the components whose sections are configured. One that cannot be loaded fails when it is built. `services` are
 * those that exist without a component, by name.
 */
export async function loadComponents(
  sources: readonly Source[],
  isConfigured: (section: string) => boolean,
  services: ReadonlyMap<string, unknown>,
): Promise<ComponentType[]> {
  const used = sources.filter(source => !('load' in source) || isConfigured(source.section))
  const types = await loadAll(used)
  // The error about a required component that is not configured names that component.
  return areComplete(types, services) ? types : loadAll(sources)
}

/** Loads all components, in the same order. */
export function loadAll(sources: readonly Source[]): Promise<ComponentType[]> {
  return Promise.all(sources.map(async source => ('load' in source ? load(source) : source)))
}

async function load(source: LazyComponent): Promise<ComponentType> {
  try {
    return (await source.load()).default
  } catch (error) {
    const build = () => {
      throw error
    }
    const { section } = source
    return { ...component({ section, presence: 'configured', options: {}, create: build }), build }
  }
}

function areComplete(types: readonly ComponentType[], services: ReadonlyMap<string, unknown>): boolean {
  const provided = types.flatMap(({ provides }) => Object.values(provides).map(({ name }) => name))
  const names = new Set([...provided, ...services.keys()])
  return types.every(({ needs }) => requiredServices(needs).every(({ name }) => names.has(name)))
}
