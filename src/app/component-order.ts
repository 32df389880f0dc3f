// The order in which components are built: after those whose services they require.
import type { ComponentType } from '../component/component.ts'
import type { Needs, Service } from '../component/service.ts'

/** The services without which a component cannot be built. */
export function requiredServices(needs: Needs): Service<unknown>[] {
  return Object.values(needs).flatMap(need => ('optional' in need ? [] : [need]))
}

/**
 * Sorts `types` so that each comes after the providers of its required services, and otherwise keeps their order.
 * `given` names the services that exist without a component. Throws Error for a required service without a provider,
 * a service with two providers, and components that require each other in a circle.
 */
export function sortComponents(
  types: readonly ComponentType[],
  given: ReadonlySet<string> = new Set(),
): ComponentType[] {
  const providers = providersOf(types, given)
  const sorted = new Set<ComponentType>()
  const add = (type: ComponentType, path: readonly ComponentType[]): void => {
    if (path.includes(type)) throw circleError([...path.slice(path.indexOf(type)), type])
    if (sorted.has(type)) return
    for (const { name } of requiredServices(type.needs)) {
      const provider = providers.get(name)
      if (provider !== undefined) add(provider, [...path, type])
      else if (!given.has(name)) {
        throw new Error(
          `component [${type.section}] needs the service '${name}', which no component provides`,
        )
      }
    }
    sorted.add(type)
  }
  for (const type of types) add(type, [])
  return [...sorted]
}

/** Each service's provider, by the service's name. */
export function providersOf(
  types: readonly ComponentType[],
  given: ReadonlySet<string> = new Set(),
): Map<string, ComponentType> {
  const providers = new Map<string, ComponentType>()
  for (const type of types) {
    for (const { name } of Object.values(type.provides)) {
      const other = providers.get(name)
      if (other !== undefined || given.has(name)) {
        const first = other === undefined ? 'the server' : `component [${other.section}]`
        throw new Error(`${first} and component [${type.section}] both provide the service '${name}'`)
      }
      providers.set(name, type)
    }
  }
  return providers
}

function circleError(circle: readonly ComponentType[]): Error {
  const sections = circle.map(({ section }) => `[${section}]`).join(' → ')
  return new Error(`components need each other in a circle: ${sections}; make one of the needs optional`)
}
