/** The value of a variable of the environment; undefined if it is empty, which is how scripts leave one that says nothing. */
export function environment(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}
