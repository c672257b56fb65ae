/** Why something is not done in the switch: thrown inside the planner, and part of its explanation. */
export class Refusal extends Error {}
