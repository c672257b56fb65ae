/** From SQL to what workers, switch and master do. */
export * from './errors.js';
export type { Catalog, CatalogColumn, CatalogTable } from './catalog.js';
export type * from './plan.js';
export { plan, QueryPlanner, type PlanOptions } from './planner.js';
