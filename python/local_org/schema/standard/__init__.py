"""The standard objects as tables, one ``.tsv`` file each; ``local_org.schema.registry`` reads them.

The first line of a file is the object, every other line a field, in describe order:

* object: API name, label, plural label, key prefix, and what it can: ``create update delete query
  undelete merge trigger layout replicate``.
* field: API name, type, size, access, label, target, then any of ``part=``, ``default=``, ``extra=``,
  ``values=``.

Size is a length, ``precision,scale``, or the digits of an int. Access is one letter per fact:
``C`` createable, ``U`` updateable, ``N`` nillable, ``D`` defaulted on create, ``P`` permissionable,
``I`` id lookup, ``M`` names the record, ``R`` restricted picklist; and **not** ``f`` filterable,
``s`` sortable, ``g`` groupable, ``a`` aggregatable. Target reads ``*Contact,Lead>Who<Tasks!``: the
types pointed at (``*`` before them where the lookup is polymorphic), the relationship name, the name
of the list of children, and ``!`` for cascading or ``#`` for restricted delete. Values are separated
by ``;``, ``value=Label`` where they differ, ``*`` after the default; ``@name`` is a list that several
fields share, in ``_values.tsv``.

The facts are those of public describe results (Lead v59, Event, Account, Contact, Opportunity, Case)
and of the Object Reference; where neither tells whether a field is createable, the reading is ours.
The key prefixes of EmailMessageRelation, LeadStatus, TaskStatus and TaskPriority are ours too.
"""
