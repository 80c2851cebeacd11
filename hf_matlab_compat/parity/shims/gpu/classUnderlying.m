function name = classUnderlying(x)
% Return the class of an array in the processor's memory.

name = class(x);
end
