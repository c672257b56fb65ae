import type { Control } from '../control.js';
import { CounterHandle, MeterHandle, ProfileHandle, RegisterHandle, ValueSetHandle } from './handles.js';
import { byName, NO_ALIASES } from './names.js';
import { NO_P4INFO_ALIASES, type P4InfoAliases } from './p4info-aliases.js';
import { TableHandle } from './table-handle.js';

/**
 * The objects of the loaded program by name, for unit tests and scripts: names may be shortened to a unique suffix,
 * values are written as people write them, and every error lists the valid choices.
 * @throws ControlError from every method.
 */
export class ProgramObjects {
  constructor(
    private readonly control: Control,
    private readonly aliases: P4InfoAliases = NO_P4INFO_ALIASES,
  ) {}

  table(name: string): TableHandle {
    const { tables } = this.control.describe();
    return new TableHandle(
      this.control,
      byName('table', name, tables, '', this.aliases.tables).name,
      this.aliases.actions,
    );
  }

  register(name: string): RegisterHandle {
    const {
      name: full,
      size,
      width,
    } = byName('register', name, this.control.describe().registers, '', this.aliases.registers);
    return new RegisterHandle(this.control, full, size, width);
  }

  counter(name: string): CounterHandle {
    const { name: full, size } = byName('counter', name, this.control.describe().counters, '', this.aliases.counters);
    return new CounterHandle(this.control, full, size);
  }

  meter(name: string): MeterHandle {
    const { name: full, size, unit } = byName('meter', name, this.control.describe().meters, '', this.aliases.meters);
    return new MeterHandle(this.control, full, size, unit);
  }

  actionProfile(name: string): ProfileHandle {
    const { name: full } = byName(
      'action profile',
      name,
      this.control.describe().actionProfiles,
      '',
      this.aliases.actionProfiles,
    );
    return new ProfileHandle(this.control, full, this.aliases.actions);
  }

  valueSet(name: string): ValueSetHandle {
    const { name: full, width } = byName('value set', name, this.control.describe().valueSets, '', NO_ALIASES);
    return new ValueSetHandle(this.control, full, width);
  }
}
